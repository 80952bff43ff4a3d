"""Take over the companies of a store that another connector filled."""
