-- Appointments of all counters: booked ones, and held ones that a citizen has not confirmed yet.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE appointment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    counter text NOT NULL,
    -- A counter that serves several citizens at a time has a lane for each: 0, 1, 2, …
    lane integer NOT NULL CHECK (lane >= 0),
    template text NOT NULL,
    -- Half-open, as an `Interval` of the libraries: the next appointment may begin when this one ends.
    during tstzrange NOT NULL CHECK (lower(during) < upper(during) AND lower_inc(during) AND NOT upper_inc(during)),
    -- Until when it is held. NULL: it is booked.
    held_until timestamptz,
    -- No two appointments of one lane overlap, whatever the programs do that write here.
    CONSTRAINT one_citizen_at_a_time EXCLUDE USING gist (counter WITH =, lane WITH =, during WITH &&)
);
