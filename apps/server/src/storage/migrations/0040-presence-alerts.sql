-- What is wrong with a device beyond being away: its place in the list of `messages/condition.ts`, and since when. Silence and flapping outlast
-- a restart, so that no restart tells them anew.
alter table presence add column trouble smallint, add column trouble_since bigint;
