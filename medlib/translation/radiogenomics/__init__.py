"""Biology or scanner: what a score reads where hospital and response hang together.

- `graph`: arrows between hospital, biology, image and response, and what they promise.
- `balanced_auc`: the AUC as if hospital and response did not hang together; weights, offsets.
- `weighted_auc`: the AUC of patients who do not all count alike.
- `standardised_auc`: the AUC without the link, where the hospital acts on the response.
- `tumour_network`: an encoder to a few features, and the adversary that reads them.
- `gradient_reversal`: the layer, and the schedule of its strength.
- `linear_dependence`: mean squared correlation with the hospital, over all or given the response.
- `kernel_dependence`: HSIC without its bias.
- `scanner_augmentation`: random scanners.
- `site_intercepts`: an intercept of each hospital, fitted to every batch.
- `ways_to_learn`: one network, nine ways, trained alike.
- `handmade_features`: eleven numbers of an image, without a network.
- `site_standardisation`, `combat`, `mixed_model`: what is done to features afterwards.
- `site_probe`: a fresh reader of the hospital.
- `group_lasso`: whole pathways or none, by proximal steps.
- `plain_logistic`: the few columns that must be in.
- `regularisation_path`: how strong a penalty.
- `pathway_tests`: a test for each pathway, and which to believe.
"""
