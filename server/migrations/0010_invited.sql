-- Treatments that a patient may book by invitation, as the clinic's own list says.
CREATE TABLE invited (
    clinic TEXT NOT NULL,
    patient UUID NOT NULL,
    treatment TEXT NOT NULL,
    PRIMARY KEY (clinic, patient, treatment)
);
