-- Who may become the owner of a device, and by which code: of codes there are keyed digests alone, the rest is sealed.

create table device_claim (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  version integer not null,
  -- Of the code on the box, and of one that its owner made for the next.
  printed_index bytea,
  transfer_index bytea,
  body bytea not null,
  primary key (org, device),
  unique (org, printed_index),
  unique (org, transfer_index)
);
select tenant_table('device_claim', 'all');
