-- A session has a name of its own, which stays when its cookie is replaced, and `quiet` is the longest time in milliseconds in which nothing
-- was asked with it: an organisation that she has not been to goes by that. Sessions of before have neither, and she signs in anew.

delete from session;
alter table session
  add column id uuid not null unique,
  add column quiet bigint not null default 0;

-- Browsers that somebody has signed in with. The cookie there holds 256 random bits, of which only a keyed digest is kept; `proof` is sealed
-- and binds the columns, so that whoever writes here and has no keys makes no browser hers.

create table known_browser (
  digest bytea not null,
  person uuid not null references person (id) on delete cascade,
  seen_at bigint not null,
  proof bytea not null,
  primary key (digest, person)
);
create index on known_browser (person);

select instance_table('known_browser', 'select, insert, update, delete');
