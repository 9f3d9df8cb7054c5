//! Which appointments can be booked at a counter now: the facade that services embed.
