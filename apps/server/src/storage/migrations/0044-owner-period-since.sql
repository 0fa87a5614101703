-- When a device became whose it was. Of periods that began before this was written down it is not known: what they hold is told apart by when it came alone.
alter table owner_period add column since bigint;
