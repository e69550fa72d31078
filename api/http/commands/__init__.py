"""Commands over HTTP: their bodies, their routes, the endpoint that answers them."""
