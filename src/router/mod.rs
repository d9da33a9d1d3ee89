//! The HTTP service: listeners, connections, routes, applications.
