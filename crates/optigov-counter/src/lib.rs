//! What a municipal service counter is: timetable, booking rules, templates and Exchange sync, valid by construction.
