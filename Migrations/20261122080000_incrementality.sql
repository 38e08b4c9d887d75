-- holdout and ghost ads
select 1;
