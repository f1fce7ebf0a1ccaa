2/
doppio.pair" cbf29ce48422232597dea9790dd91ff5