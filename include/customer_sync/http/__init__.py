"""Transport of both systems: sessions, time-outs, retry and pacing."""
