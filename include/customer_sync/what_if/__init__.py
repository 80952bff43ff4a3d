"""What-if: what a run with a draft of the connector file would do, beside what the present file does."""
