"""The pages: the same skin as the command line, in HTML that needs no network and no script."""
