//! Through the facade, the client and a real socket to a simulated Exchange.

mod privacy;
mod scenarios;
mod support;
