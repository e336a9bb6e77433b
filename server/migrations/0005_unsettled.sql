-- Visits about which the clinic changed something, until that is settled with the patient.
CREATE TABLE unsettled (
    clinic TEXT NOT NULL,
    appointment UUID NOT NULL,
    -- What the clinic did: moved, cancelled, or unfit (the clinic's file has no place for it any more).
    kind TEXT NOT NULL,
    -- When the visit would have begun before it was moved.
    moved_from TIMESTAMPTZ,
    -- The patient asks for a call.
    wants_call BOOLEAN NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, appointment)
);
