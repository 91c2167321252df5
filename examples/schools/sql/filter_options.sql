-- What the filters of the application offer.
select 'school' as option_type, "Institute" as option_value from {{ dataset | identifier }}."FDE_Schools"
union
select 'sector', "Sector" from {{ dataset | identifier }}."FDE_Schools"
union
select 'grade', grade_assigned from {{ dataset | identifier }}."weekly_time_table_NF"
union
select 'subject', subject_assigned from {{ dataset | identifier }}."weekly_time_table_NF"
