//! Through the facade, the client and a real socket to a simulated Exchange; and through the facade alone, over sources that tests watch.

mod configuration;
mod connection;
mod days;
mod edges;
mod failures;
mod faults;
mod first;
mod hybrid;
mod live;
mod live_safety;
mod observed;
mod privacy;
mod probe;
mod safety;
mod safety_hybrid;
mod saved;
mod scenarios;
mod sharing;
mod sizing;
mod support;
mod told;
mod windows;
mod written;
