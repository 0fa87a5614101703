-- Rows of the message log are sealed under a random key of the organisation, which is replaced, and destroyed, when something is erased that may stand in
-- them. `generation` says which of these keys; 0 is the organisation's own, under which rows from before stand until a picture replaces them.
alter table message_log add column generation integer not null default 0;
