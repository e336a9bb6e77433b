-- When staff settled another way what a letter that did not arrive was about.
ALTER TABLE letter ADD COLUMN settled_at TIMESTAMPTZ;
