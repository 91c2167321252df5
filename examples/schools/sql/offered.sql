{#- What the filters offer, row by row with the school and sector that it belongs to, so that each caller is offered what it may see. -#}
select school_name as school, sector, null as grade, null as subject, null as period from api_school_data
union all
select distinct school, sector, grade, subject, null from api_teacher_data
union all
select distinct school, sector, null, null, period_type from api_aggregated_data
