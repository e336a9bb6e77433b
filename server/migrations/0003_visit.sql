-- What patients change about a visit on its private page.

-- When it was last moved or cancelled; NULL: never.
ALTER TABLE appointment ADD COLUMN changed_at TIMESTAMPTZ;

-- Where its last move began, and the sequence that this move gave it: a later change makes the
-- two differ, and then the move is no news any more.
ALTER TABLE appointment ADD COLUMN moved_from TIMESTAMPTZ;
ALTER TABLE appointment ADD COLUMN moved_sequence BIGINT;

-- Why it was cancelled, if the patient said so: a code of ours and their own words.
ALTER TABLE appointment ADD COLUMN cancel_why TEXT;
ALTER TABLE appointment ADD COLUMN cancel_reason TEXT;
-- What cancelling cost, in the smallest unit of the clinic's currency.
ALTER TABLE appointment ADD COLUMN cancel_fee BIGINT;

-- "I am running late", in minutes.
ALTER TABLE appointment ADD COLUMN late_min BIGINT;

-- What was typed on its pages and could not be taken over yet.
ALTER TABLE appointment ADD COLUMN draft JSONB;
