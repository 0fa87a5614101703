-- Letters to people, until the mail server has taken them. What they say is sealed; to whom is a keyed digest, by which they are counted.

create table outbox (
  id uuid primary key,
  recipient bytea not null,
  -- Those with a link are what strangers can ask for.
  has_link boolean not null,
  created_at bigint not null,
  -- By then it is worth nothing any more.
  until bigint not null,
  -- When it is tried next. Without it the letter is done with, and its row stays a day to be counted.
  due_at bigint,
  attempts integer not null default 0,
  body bytea,
  check ((due_at is null) = (body is null))
);
create index on outbox (due_at) where due_at is not null;
create index on outbox (recipient, created_at);

select instance_table('outbox', 'select, insert, update, delete');
