-- A letter's row is there before the letter goes out, and says how far it came.

-- 'waiting': it was not taken, and is tried again. 'sending': it is with the channel, or was when
-- the program ended. 'sent': the channel took it. 'delivered': the other side has it, as far as
-- the channel knows. 'failed': it will not arrive, detail says why. 'unknown': it was handed over
-- twice without an answer, so it may have arrived. 'withdrawn': there was nothing to say any more.
ALTER TABLE letter ADD COLUMN state TEXT NOT NULL DEFAULT 'sent'
    CHECK (state IN ('waiting', 'sending', 'sent', 'delivered', 'failed', 'unknown', 'withdrawn'));
-- Why it is where it is: codes and our own words.
ALTER TABLE letter ADD COLUMN detail TEXT;
-- How often the channel had the whole letter and did not answer.
ALTER TABLE letter ADD COLUMN unanswered BIGINT NOT NULL DEFAULT 0;
-- What the letter said of the visit: its state, time and place. A letter that would say the same
-- once more is not sent.
ALTER TABLE letter ADD COLUMN told TEXT;
-- The job that sends it.
ALTER TABLE letter ADD COLUMN job UUID;

CREATE INDEX letter_not_sent ON letter (sent_at) WHERE state IN ('waiting', 'sending', 'failed', 'unknown');
