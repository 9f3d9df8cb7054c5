//! An Exchange server for tests, examples and benchmarks: real sockets, TLS, authentication, SOAP, and faults on demand.
