-- Seats: of which group session they are one.
ALTER TABLE occupancy ADD COLUMN session TEXT;
UPDATE occupancy SET session = substr(resource, 6, 36) WHERE resource LIKE 'seat/%';
CREATE INDEX occupancy_of_session ON occupancy (clinic, session) WHERE session IS NOT NULL;
