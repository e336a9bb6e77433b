-- What the clinic's own list says of a patient.

-- Books online; with `false` they are asked to call.
ALTER TABLE patient ADD COLUMN books_online BOOLEAN NOT NULL DEFAULT TRUE;

-- Treatments that a patient had before this system knew of them.
CREATE TABLE treated (
    clinic TEXT NOT NULL,
    patient UUID NOT NULL,
    treatment TEXT NOT NULL,
    PRIMARY KEY (clinic, patient, treatment)
);
