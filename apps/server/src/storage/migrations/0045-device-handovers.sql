-- Devices that their organisation gives up to whoever has a code: of the code there is a digest alone, the rest is sealed.

create table device_handover (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  digest bytea not null,
  body bytea not null,
  primary key (org, device)
);
create unique index on device_handover (digest);
select tenant_table('device_handover', 'all');
select functions_may('device_handover', 'select');

create function org_of_handover(wanted bytea) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from device_handover where digest = wanted $$;
