-- Several visits booked in one go.

-- The id of the hold of the first visit: at that hold and at those of the others.
ALTER TABLE hold ADD COLUMN series UUID;
-- How often they want to come, as typed; at the first only.
ALTER TABLE hold ADD COLUMN wish JSONB;
CREATE INDEX hold_by_series ON hold (clinic, series);

-- What ties the visits of a series: the id of the first.
ALTER TABLE appointment ADD COLUMN series UUID;
CREATE INDEX appointment_by_series ON appointment (clinic, series);
