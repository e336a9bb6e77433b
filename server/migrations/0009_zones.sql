-- Rules of time zones change. What is promised to a patient is the time on the wall, so it is kept
-- what the rules were when visits were booked.

CREATE TABLE zone (
    clinic TEXT NOT NULL,
    -- "Europe/London".
    name TEXT NOT NULL,
    -- The edition of the rules: "2025b".
    edition TEXT NOT NULL,
    -- How far the wall is ahead of UTC, and from when on.
    offsets JSONB NOT NULL,
    noted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, name)
);

-- When a visit would have begun before the rules changed, and the sequence that this gave it.
ALTER TABLE appointment ADD COLUMN clock_from TIMESTAMPTZ;
ALTER TABLE appointment ADD COLUMN clock_sequence BIGINT;
