-- Allow and deny lists that application users keep for their devices, beside those of the organisation: whose an entry is and about which
-- device is readable; what it says and its comment are sealed, together with those.

alter table list_entry add column app_user uuid;
-- None: about all that are hers.
alter table list_entry add column device uuid;
alter table list_entry add check (device is null or app_user is not null);
-- `not valid`: row-level security hides the rows there are from whoever migrates, and none of them has one.
alter table list_entry add foreign key (org, app_user) references app_user (org, id) on delete cascade not valid;
create index on list_entry (org, app_user, created_at, id) where app_user is not null;
