-- What every feature stands on: clinics, keys, jobs, letters, the audit chain.
-- One text for SQLite and PostgreSQL; a section for only one of them says so.

CREATE TABLE clinic (
    slug TEXT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    definition JSONB NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL
);

-- Keys of the whole server, made on first need; base64.
CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Work that runs later. The subject holds ids, never what a patient said.
CREATE TABLE job (
    id UUID NOT NULL PRIMARY KEY,
    clinic TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject JSONB NOT NULL,
    unique_key TEXT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts BIGINT NOT NULL,
    reason TEXT,
    leased_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    UNIQUE (clinic, unique_key)
);

CREATE INDEX job_due ON job (due_at) WHERE state IN ('waiting', 'running');
CREATE INDEX job_failed ON job (clinic, finished_at) WHERE state = 'failed';

-- What was sent, to whom in outline, and why.
CREATE TABLE letter (
    id UUID NOT NULL PRIMARY KEY,
    clinic TEXT NOT NULL,
    kind TEXT NOT NULL,
    appointment UUID,
    channel TEXT NOT NULL,
    recipient_hint TEXT NOT NULL,
    reason TEXT NOT NULL,
    language TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sent_at TIMESTAMPTZ NOT NULL,
    UNIQUE (clinic, message_id)
);

CREATE INDEX letter_appointment ON letter (clinic, appointment);

-- Who did what: each row carries the hash of the one before it.
CREATE TABLE audit (
    clinic TEXT NOT NULL,
    number BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    caller TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail JSONB NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (clinic, number)
);

-- only sqlite
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- end

-- only postgres
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END;
$$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
-- end
