"""The distributed shape of the compose file, run as processes here, disturbed, held to its promises."""
