"""One module per protocol or file format; each has one function, `read`."""
