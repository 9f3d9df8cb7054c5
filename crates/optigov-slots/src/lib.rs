//! Interval sets, opening hours in civil time, and bookable slots: pure, and right on every strange day.
