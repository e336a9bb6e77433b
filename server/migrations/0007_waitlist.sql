-- Who wants a time that is not free, and what was offered to them.

CREATE TABLE waitlist (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    -- The visit that a time would move; NULL: a time would be booked.
    appointment UUID,
    treatment TEXT NOT NULL,
    -- NULL: anyone, anywhere.
    practitioner TEXT,
    location TEXT,
    -- A full group session that they want a seat of, and no other time.
    only_start TIMESTAMPTZ,
    -- Which days and hours suit, as ticked.
    wish JSONB NOT NULL,
    -- Who it is for, as typed; empty where a visit says it.
    draft JSONB NOT NULL,
    -- Was sent with the form's own button at least once, so its mistakes are shown.
    submitted BOOLEAN NOT NULL,
    -- 'typing': not on the list yet. 'waiting': on it. 'done': has a time. 'left': took themselves
    -- off it, or the visit is no more.
    state TEXT NOT NULL CHECK (state IN ('typing', 'waiting', 'done', 'left')),
    joined_at TIMESTAMPTZ,
    -- When a time was last offered that the clinic did not take back: the least recently asked is next.
    asked_at TIMESTAMPTZ,
    -- Nothing is offered from here on.
    until_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id)
);
CREATE INDEX waitlist_in_turn ON waitlist (clinic, asked_at, joined_at) WHERE state = 'waiting';
-- A visit waits once.
CREATE UNIQUE INDEX waitlist_of_visit ON waitlist (clinic, appointment) WHERE state IN ('typing', 'waiting');

-- A time leased to one of them. Its hold has the same id, and so has the visit that comes of it.
CREATE TABLE offer (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    entry UUID NOT NULL,
    practitioner TEXT NOT NULL,
    location TEXT NOT NULL,
    start_at TIMESTAMPTZ NOT NULL,
    -- Ticks of five minutes, buffers included.
    busy_from BIGINT NOT NULL,
    busy_until BIGINT NOT NULL,
    -- 'open' until it is taken, declined, lapsed, or taken back by the clinic.
    state TEXT NOT NULL CHECK (state IN ('open', 'taken', 'declined', 'lapsed', 'withdrawn')),
    offered_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id)
);
CREATE INDEX offer_of_entry ON offer (clinic, entry);
-- Nobody is asked about two times at once.
CREATE UNIQUE INDEX offer_open ON offer (clinic, entry) WHERE state = 'open';
