-- Who is treated, what is kept for them, and the table that makes a double booking impossible.

CREATE TABLE patient (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    -- The name in lower case: how a returning patient is found.
    folded_name TEXT NOT NULL,
    -- ISO 8601: a date has no zone.
    birth_date TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    language TEXT NOT NULL,
    -- Has been treated here before this system knew of it.
    known BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id)
);
CREATE INDEX patient_by_birth_date ON patient (clinic, birth_date);

-- What a patient agreed to, one row for each purpose and each time they were asked.
CREATE TABLE consent (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    patient UUID NOT NULL,
    purpose TEXT NOT NULL,
    given BOOLEAN NOT NULL,
    -- In which language they read the question, and where.
    language TEXT NOT NULL,
    source TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id)
);
CREATE INDEX consent_by_patient ON consent (clinic, patient, purpose, at);

-- A time kept for someone who is still typing, and what they typed so far. A hold that is
-- confirmed lives on as the appointment with the same id.
CREATE TABLE hold (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    -- SHA-256 of the visitor's cookie in hexadecimal, if they have one.
    visitor TEXT,
    treatment TEXT NOT NULL,
    practitioner TEXT NOT NULL,
    practitioner_chosen BOOLEAN NOT NULL,
    location TEXT NOT NULL,
    room TEXT,
    -- Group sessions: which one; its practitioner and room are occupied in its name.
    session UUID,
    start_at TIMESTAMPTZ NOT NULL,
    end_at TIMESTAMPTZ NOT NULL,
    -- Ticks of five minutes, buffers included.
    busy_from BIGINT NOT NULL,
    busy_until BIGINT NOT NULL,
    draft JSONB NOT NULL,
    -- The draft was sent with the form's own button at least once, so its mistakes are shown.
    submitted BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id)
);
CREATE INDEX hold_by_visitor ON hold (clinic, visitor, expires_at);
CREATE INDEX hold_by_expiry ON hold (clinic, expires_at);

CREATE TABLE appointment (
    clinic TEXT NOT NULL,
    id UUID NOT NULL,
    number TEXT NOT NULL,
    patient UUID NOT NULL,
    status TEXT NOT NULL,
    treatment TEXT NOT NULL,
    practitioner TEXT NOT NULL,
    practitioner_chosen BOOLEAN NOT NULL,
    location TEXT NOT NULL,
    room TEXT,
    session UUID,
    start_at TIMESTAMPTZ NOT NULL,
    end_at TIMESTAMPTZ NOT NULL,
    busy_from BIGINT NOT NULL,
    busy_until BIGINT NOT NULL,
    -- In the smallest unit of the clinic's currency, as confirmed.
    price BIGINT NOT NULL,
    reason TEXT,
    booker_name TEXT,
    email TEXT,
    phone TEXT,
    language TEXT NOT NULL,
    -- Pending requests: staff answer by then.
    answer_by TIMESTAMPTZ,
    -- What the patient saw on the page that they confirmed.
    version TEXT NOT NULL,
    -- RFC 5545: rises with every change that a calendar must take over.
    sequence BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (clinic, id),
    UNIQUE (clinic, number)
);
CREATE INDEX appointment_by_time ON appointment (clinic, practitioner, busy_from);
CREATE INDEX appointment_by_room ON appointment (clinic, room, busy_from);
CREATE INDEX appointment_by_patient ON appointment (clinic, patient, start_at);

-- The guard: one row for each resource and five minutes. Whatever wants to hold or book a time
-- inserts its rows here in the same transaction, so two of them cannot both commit.
CREATE TABLE occupancy (
    clinic TEXT NOT NULL,
    -- practitioner/…, room/… or, for a group session, seat/{session}/{number}.
    resource TEXT NOT NULL,
    -- Unix time divided by 300.
    tick BIGINT NOT NULL,
    -- The hold or appointment, or the group session.
    holder UUID NOT NULL,
    -- NULL: for good.
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (clinic, resource, tick)
);
CREATE INDEX occupancy_by_holder ON occupancy (clinic, holder);
