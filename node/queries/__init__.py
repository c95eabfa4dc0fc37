"""Reads. Who may see what is answered by `audience`, for every one of them."""
