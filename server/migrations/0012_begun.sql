-- SHA-256 of the visitor's cookie in hexadecimal: who began to type, and may go on.
ALTER TABLE waitlist ADD COLUMN visitor TEXT;
