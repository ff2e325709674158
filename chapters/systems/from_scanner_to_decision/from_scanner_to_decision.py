# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   medbook:
#     reader_path: true
# ---

# %% [markdown]
# # The whole journey: may it read tonight?
#
# **Question.** A hospital has a network that finds lesions in the white matter of the brain. It was
# right on every test set. Tonight it is to be switched on: a scanner sends studies to the archive,
# and in the morning a neurologist finds a report. In between, a study may arrive by halves, or hold
# a slice of somebody else's head; the machine may lose power in the middle of writing. If two
# reports of one patient disagree, or one never comes, or another patient's volume stands in it, who
# will notice? What must be true of everything *around* the network before it may read at all?
#
# **Objectives.** After this chapter you will be able to
#
# - take a study from a DICOM archive and bring results back to it, in forms that others can read;
# - say of a fault on the way whether it can be mended or must be refused, and write down why;
# - build steps that may be killed at any moment and leave nothing twice and nothing lost;
# - show that no name went out with the results, by a search that is seen to find names.
#
# **Prerequisites.** {doc}`/diagnosis/out_of_distribution` for gates and $p$-values, and
# {doc}`/pixels/grad_cam` for maps of evidence. What a file and a process are. No DICOM.
#
# **Data.** Anatomy is real: tissue maps of one averaged brain, warped anew for every study.
# Intensities, lesions, patients and their names are simulated. Server, protocol, file formats and
# validator are those that hospitals use. Nothing here is about a patient.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"; these networks need no GPU
n_learn: int = 40  # studies to learn from, 4 ≤ x ≤ 2000
n_validate: int = 10  # studies to choose weights by, 2 ≤ x ≤ 1000
n_calibrate: int = 60  # studies to calibrate gate and probability on, 20 ≤ x ≤ 5000
n_test: int = 40  # studies to judge by, 10 ≤ x ≤ 5000
n_odd: int = 10  # studies of another contrast, 5 ≤ x ≤ 1000
n_steps: int = 250  # training steps of each network, 1 ≤ x ≤ 100000
level: float = 0.05  # share of usual studies that the gate may refuse, 0.05 ≤ x ≤ 0.5
archive_kind: str = "auto"  # "auto" (a server where there can be one), or "files"
least_slices: int = 8  # studies with fewer are refused, 1 ≤ x ≤ 12
number_stated: bool = True  # whether the scanner says how many images there are
key_kept: bool = True  # whether the key outlives a kill
kills: str = "each step"  # where to kill: "each step", "every place", or "one step"
odd_contrast: str = "T1"  # contrast of the unusual studies: "T1" or "FLAIR"
calibrated_on: str = "held out"  # studies that the gate is calibrated on: "held out", "learned"
searched: str = "results"  # bytes that are searched for names: "results" or "originals"

# %%
import contextlib
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import betabinom
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import mni152
from medlib import experiment
from medlib.diagnosis.novelty.gaussians import mahalanobis_score
from medlib.experiment.plots.canvas import panels
from medlib.measures.calibration import log_loss
from medlib.systems.clinic.dicom_server import dicom_server, why_no_server
from medlib.systems.clinic.dicom_validation import why_no_validator
from medlib.systems.clinic.intake import Rules, take_in
from medlib.systems.clinic.journal import entries_of
from medlib.systems.clinic.kill_trial import POINTS, in_own_process
from medlib.systems.clinic.pipeline import Pipeline
from medlib.systems.clinic.planted_faults import FAULTS, plant
from medlib.systems.clinic.readers import keep_answers
from medlib.systems.clinic.server_or_files import archive_in, archive_of
from medlib.systems.clinic.simulated_head import FLAIR, T1, Tissues, simulated_head
from medlib.systems.clinic.simulated_study import STORED_PER_UNIT, Patient, as_series, identities
from medlib.systems.clinic.study_networks import fit_networks, study_features
from medlib.systems.clinic.timeline import latency_s, per_hour
from medlib.systems.deidentification.validator import leaks

run = experiment.start("systems/from_scanner_to_decision", locals())

# %%
grey, white, t1 = (run.uses(mni152(kind, resolution_mm=2)) for kind in ("gm", "wm", "t1"))
brain = (gaussian_filter(t1.array, 1.0) > 0.2).astype(np.float32)
tissues = Tissues(grey.array, white.array, brain, grey.affine)


def heads(name, n, contrast=FLAIR):
    """Simulated heads; every other one has lesions."""
    return [simulated_head(tissues, rng=one, with_lesions=i % 2 == 0, contrast=contrast)
            for i, one in enumerate(run.rng(name).spawn(n))]


sizes = {"learn": n_learn, "validate": n_validate, "calibrate": n_calibrate, "test": n_test}
sets = {name: heads(name, n) for name, n in sizes.items()}
odd = heads("odd", n_odd, {"T1": T1, "FLAIR": FLAIR}[odd_contrast])

# %% [markdown]
# ## A picture first
#
# Twelve slices, five millimetres apart, as a FLAIR sequence would show them: fluid dark, lesions
# bright. What the scanner sends is more than the picture.

# %% tags=["key"]
erika = Patient(number="0031415", name="Muster^Erika", birth="19570321")
paul = Patient(number="0027182", name="Probe^Paul", birth="19400101")
head = sets["test"][0]
study = as_series(head, patient=erika, accession="A1")
other = as_series(sets["test"][1], patient=paul, accession="A2")
print(study[0].PatientName, study[0].PatientID, study[0].StudyDescription, study[0].PixelSpacing)

# %%
def draw_head():
    """Six slices, lesions outlined."""
    figure, axes = panels(1, 6, height_in=1.9)
    most = np.sort(np.argsort(head.lesions.sum(axis=(1, 2)))[-6:])
    for place, k in zip(axes[0], most, strict=True):
        place.imshow(head.volume[k], cmap="gray", vmin=0, vmax=0.9)
        if head.lesions[k].any():
            place.contour(head.lesions[k], [0.5], colors=[experiment.COLORS["orange"]])
        place.set_title(f"slice {k + 1}", fontsize=8)
        place.set_axis_off()
    return figure


run.figure(
    draw_head(), name="head", data="simulated",
    alt="Six grey brain slices with small bright spots, each with an orange outline.",
    caption="Six of twelve slices of one study, and the outlines of its lesions. Real anatomy of an"
    " averaged brain, warped; simulated intensities and lesions, n = 1 study.",
)

# %% [markdown]
# Each slice is one file, a *DICOM object*: pixels, and hundreds of attributes beside them. Some say
# how large a pixel is and where the slice lies, and without them there is no volume in millilitres.
# Some say who lies there. Every object has a *UID*, a number that no other object in the world
# has, and it names the study and the series that it belongs to by theirs.
#
# ## An archive
#
# Hospitals keep images in an archive and speak to it over the network. *DICOMweb* has three verbs:
# **STOW** stores objects, **QIDO** asks which there are, **WADO** fetches them. We start a real
# server, Orthanc, where it is installed. By itself it listens on every address of the machine,
# whatever its configuration says; a hospital's neighbour could store images in it. So it runs in a
# network *namespace* of its own, a machine within the machine with nothing attached. Its only door
# is a socket in a folder that nobody else can enter, and before it stands an encrypted listener
# that only this machine can reach. Password and certificate are drawn anew for every run. Where the
# server is missing, a folder of files answers to the same three verbs.

# %%
desk = contextlib.ExitStack()  # closed at the end: what was started is stopped, whatever happens
home = Path(desk.enter_context(tempfile.TemporaryDirectory(prefix="clinic-")))
missing = "not asked for" if archive_kind == "files" else why_no_server()
server = None if missing else desk.enter_context(dicom_server())
archive = archive_in(home / "archive", why=missing) if missing else archive_of(server)
which = archive.kind if not missing else f"{archive.kind}, for this reason: {missing}"
checker = why_no_validator() or "dciodvfy"
print(f"This page ran on: {which}. Its objects were validated by: {checker}.")

# %% tags=["key"]
archive.store(study)                                 # STOW
uids = archive.instances(study[0].StudyInstanceUID)  # QIDO
back = archive.fetch(study[0].StudyInstanceUID)      # WADO
print(len(study), "sent,", len(uids), "known,", len(back), "fetched")

# %% [markdown]
# Three traps stand on this short way; all were met in making this page. An object that was made in
# memory lacks the first bytes of a file. The client sends it so, the server keeps it, and nobody
# can read what comes back: so we send what has been a file. A server that is not told otherwise
# *decodes* what was compressed before it hands it out, and the reader never learns that there was
# anything to decode. And if two patients' images carry one study's UID, this server files two
# studies and finds neither by that UID; asked for each image by its own, it finds them all.
#
# ## What arrives
#
# Now the faults. Nine ways in which a study may be wrong are planted, one at a time. What should
# be done with each? There are two answers. A fault is **mended** where there is one right repair
# and no doubt about it. It is **refused** where repair would mean to guess. Before you read the
# table, decide for each: which would you mend?

# %% tags=["key"]
rules = Rules(modality="MR", least_slices=least_slices)
verdicts = {}
for fault in FAULTS:
    arrived = plant(fault, study, other=other)
    if not number_stated:
        for image in arrived:
            del image.ImagesInAcquisition
    verdicts[fault] = take_in(arrived, rules=rules)

# %%
run.table(
    [{"what was wrong": fault, "verdict": "refused" if one.refused else
      "mended" if one.reasons else "as it came",
      "reason, as the ledger has it": "; ".join(reason.text for reason in one.reasons) or "–"}
     for fault, one in verdicts.items()],
    name="faults", caption="Ten studies, nine of them with a planted fault (simulated). No reason"
    " names a patient, for the ledger is shown to others.",
)

# %%
MENDED = ("none", "duplicate", "MONOCHROME1", "compressed")
stored = np.rint(head.volume * STORED_PER_UNIT)
wrong = [fault for fault, one in verdicts.items()
         if bool(one.refused) == (fault in MENDED)
         or (not one.refused and not np.array_equal(one.volume, stored))]
run.result("faults_misjudged", len(wrong), unit="studies", n=len(verdicts))
run.claim(
    "every planted fault that has one right repair is mended, so that every voxel is as it was"
    " sent, and every other is refused", not wrong, margin=0.5 - len(wrong), unit="studies",
    falsified_by="falsify_nobody_counts",
)

# %% [markdown]
# Look at *half a series*. The half that came is evenly spaced and complete in itself; only a number
# in the header, or knowing how many slices a head needs, can tell. Take both away and it passes,
# and the patient's lesion volume is halved without a word. Look, too, at the other patient's slice.
# The header still says whose it is. Had that been lost as well, nothing here would have noticed.
#
# ## Who reads
#
# Three small networks are trained here and now. One marks lesions voxel by voxel. One says for each
# slice whether it holds any; a study's score $s$ is the largest of its slices', as one lesion
# anywhere is enough. The largest of twelve is more than any one, so $s$ is no probability yet. We
# ask other studies how often a lesion was there: with a slope $a$ and an offset $b$ fitted on them,
#
# $$ \operatorname{logit} p = a \operatorname{logit} s + b , \qquad
#    \operatorname{logit} x = \ln \frac{x}{1-x} . $$
#
# And a gate asks first whether the study is such as the networks know: Mahalanobis's distance of
# its features from those of the studies they learned from, as a $p$-value among known studies that
# took no part in learning. Below the level, nobody reads but a human.

# %%
def pairs(name):
    """Stored values and lesions, as the pipeline will meet them."""
    return [(np.rint(one.volume * STORED_PER_UNIT).astype(np.float32), one.lesions)
            for one in sets[name]]


# %% tags=["key"]
networks = fit_networks(
    pairs("learn"), validate=pairs("validate"), calibrate=pairs("calibrate"),
    steps=n_steps, generator=run.torch_generator("networks"),
)

# %%
if calibrated_on == "learned":  # a defect, to see the control go red
    own = np.stack([study_features(networks.classifier, volume) for volume, _ in pairs("learn")])
    networks = replace(networks, known=mahalanobis_score(networks.usual, own))
test = pairs("test")
truth = np.array([mask.any() for _, mask in test]).astype(int)
p_lesion = np.array([networks.probability(volume) for volume, _ in test])
gate = np.array([networks.novelty(volume) for volume, _ in test])
strange = np.array([networks.novelty(np.rint(one.volume * STORED_PER_UNIT).astype(np.float32))
                    for one in odd])
found = [networks.mask(volume) for volume, _ in test]
dice = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, (_, b) in zip(found, test, strict=True)
        if b.any()]

# %%
run.result("auc_of_reading", float(roc_auc_score(truth, p_lesion)), unit="AUC", n=n_test, atol=0.1)
run.result("loss_of_reading", log_loss(p_lesion, truth), unit="nats", n=n_test, atol=0.3)
run.result("mean_dice", float(np.mean(dice)), n=len(dice), atol=0.1)
both = np.concatenate([gate[:, 0], strange[:, 0]])
is_odd = np.repeat([0, 1], [n_test, n_odd])
auc_gate = float(roc_auc_score(is_odd, both))
refused_usual = int((gate[:, 1] <= level).sum())
run.result("auc_of_gate", auc_gate, unit="AUC", n=n_test + n_odd, atol=0.1)
run.result("refused_usual", refused_usual, unit="studies", n=n_test, atol=4)
run.say(
    "On {n} test studies: lesion or none with an AUC of {auc_of_reading:.2f} and a mean cost of"
    " {loss_of_reading:.2f} nats (a coin: {coin:.2f}), outlines with a mean Dice of {mean_dice:.2f}"
    " where there are lesions. The gate tells {odd_contrast} studies from usual ones with an AUC of"
    " {auc_of_gate:.2f} and refuses {refused_usual:.0f} usual ones.", n=n_test, coin=np.log(2),
)
run.claim("the gate finds studies of another contrast more unusual than usual ones",
          auc_gate > 0.9, margin=auc_gate - 0.9, unit="AUC",
          falsified_by="falsify_same_contrast")

# %% [markdown]
# How many usual studies may the gate refuse before we doubt its calibration? Over sets of $m$
# calibration studies, the number of alarms among $n$ new ones follows a beta-binomial law, if known
# and new are alike. The control is its upper end.

# %%
m = len(networks.known)
k = int(np.floor(level * (m + 1) + 1e-9))
most = int(betabinom(n_test, k, m + 1 - k).ppf(0.995)) if k else 0
run.claim(
    "the gate refuses no more usual studies than calibration by chance allows",
    refused_usual <= most, margin=most - refused_usual, unit="studies", control=True,
    falsified_by="falsify_calibrated_on_learned",
)

# %% [markdown]
# ## One study, all the way
#
# The pipeline has ten steps. Each makes its files in a folder beside; gives the folder its name in
# one stroke; then writes a line into the *ledger*, a file in which every entry holds a digest of
# the one before, so that no line can be changed unseen. The line says what the step found, who
# read, and the digests of what it left.

# %% tags=["key"]
key = run.rng("key").bytes(32)  # in a hospital: secrets.token_bytes, kept where the data are not
pipeline = Pipeline(
    inbox=archive, outbox=archive, folder=home / "work", ledger=home / "ledger",
    readers=networks.readers(level=level), key=key, rules=rules,
)
outcome = pipeline.run(study[0].StudyInstanceUID)
again = pipeline.run(study[0].StudyInstanceUID)

# %%
entries = entries_of(home / "ledger")
run.table(
    [{"step": entry.body["step"], "files": len(entry.body["files"]),
      "what it found": ", ".join(entry.body["found"]) or "–"} for entry in entries],
    name="ledger", caption="The ledger after one study, run twice: each step once.",
)
for span in outcome.spans:
    print(f"{span.step:12} {1000 * (span.ended_s - span.begun_s):7.0f} ms")
print(f"{latency_s(outcome.spans):.1f} s for this study, {per_hour([outcome.spans]):.0f} an hour;"
      f" asked again: {1000 * latency_s(again.spans):.0f} ms")

# %% [markdown]
# (Times are printed, not recorded: no other run will repeat them.)

# %%
if outcome.measured:
    run.say(
        "The report, fetched from the archive and read by its codes: {lesions} lesions,"
        " {volume:.2f} ml, a lesion present with a probability of {p:.2f}. The truth: {true:.2f}"
        " ml.", lesions=outcome.measured.lesions, volume=outcome.measured.volume_ml,
        p=outcome.measured.probability,
        true=float(head.lesions.sum() * np.prod(head.spacing_mm) / 1000),
    )
else:
    run.say("This study was refused at the step *{step}*.", step=outcome.refused)

# %% [markdown]
# Two objects went back to the archive beside the images. The mask is a *Segmentation*: one bit a
# voxel, each frame with its place in millimetres, and a code that says what is marked. The numbers
# are a *structured report* after template 1500: each has a coded name, a unit, and the segment that
# it was taken from. No sentence has to be understood. An outside validator finds no error in
# either; it does not know the template, so a test of our own does that part.
#
# Slide through the slices: what is there, what the network marked, and what the classifier went by.

# %%
marked = networks.mask(stored.astype(np.float32))
evidence = networks.evidence(stored.astype(np.float32))


def draw_slice(k):
    """A slice; truth and marks; evidence."""
    figure, axes = panels(1, 3, height_in=2.6)
    for place, title in zip(axes[0], ("image", "marked, true: blue", "evidence"), strict=True):
        place.imshow(head.volume[k], cmap="gray", vmin=0, vmax=0.9)
        place.set(title=title, xticks=[], yticks=[])
    axes[0, 1].imshow(np.ma.masked_equal(marked[k], 0), cmap="autumn", alpha=0.7)
    if head.lesions[k].any():
        axes[0, 1].contour(head.lesions[k], [0.5], colors=[experiment.COLORS["blue"]])
    axes[0, 2].imshow(evidence[k], cmap="inferno", alpha=0.6, vmin=0,
                      vmax=max(float(evidence.max()), 1e-6))
    return figure


run.frames(
    [draw_slice(k) for k in range(len(marked))], name="slices", label="slice",
    values=list(range(1, len(marked) + 1)), data="simulated",
    start=int(head.lesions.sum(axis=(1, 2)).argmax()),
    alt="One brain slice three times: plain, with marked spots and true outlines, and with a warm"
    " glow where the classifier found evidence.",
    caption="One study, slice by slice: marks, true outlines (blue) and Grad-CAM of the classifier,"
    " one scale for all slices. Simulated lesions, n = 1 study.",
)

# %% [markdown]
# ## Killed
#
# Power fails. Where may it fail? Anywhere: while a step works, between its files and its line in
# the ledger, in the middle of storing. Two rules make every one of these harmless.
#
# *A step is done or not done.* Files appear under their name at once, whole or not at all, and the
# ledger speaks of them only afterwards. If the kill falls in between, the step is simply done
# again.
#
# *Doing it again changes nothing.* That is the harder one. A library draws a new UID for each
# object, and reads the clock. Done twice, it makes two objects, and the archive keeps both: two
# reports on one patient. So our UIDs are computed, from a secret key $K$, the study and the
# purpose,
#
# $$ \mathrm{UID} = \text{"2.25."} \,\Vert\, \operatorname{HMAC}_K(\text{study}, \text{purpose}),$$
#
# of which 128 bits are taken; and all times in an object are that of the study's arrival, which
# stands in the ledger. Then the second object is the first one, to the last bit, and storing it
# twice is storing it once. Now the trial: a process that ends itself by SIGKILL, which nothing can
# catch, at a place; a second that runs to its end; and then we compare with an undisturbed run.

# %% tags=["key"]
keep_answers(home / "answers.npz", networks.readers(level=0.0), stored.astype(np.float32))
job = {"study": str(study[0].StudyInstanceUID), "answers": str(home / "answers.npz"),
       "key": run.rng("key of trials").bytes(32).hex() if key_kept else ""}
places = {"every place": POINTS, "one step": [("write", "made")],
          "each step": [p for p in POINTS if p[1] in ("made", "half")]}[kills]
if server:
    job["server"] = {**asdict(server), "authority": str(server.authority)}
else:
    job["folder"] = str(home / "archive")
trials = in_own_process(job, places)

# %%
bad = [trial for trial in trials if not trial.holds]
run.table(
    [{"killed at": f"{one.step}, {one.moment}", "objects as undisturbed": one.same_objects,
      "ledger as undisturbed": one.same_entries, "lost": one.lost, "too many": one.more}
     for one in trials],
    name="kills", caption=f"A kill at each of {len(trials)} places, and a rerun. *Made*: the step's"
    " files are there, its line in the ledger is not. *Half*: half of the objects are stored.",
)
run.claim(
    "killed at any of the places tried, a rerun ends with the same objects to the bit and the same"
    " ledger: nothing twice, nothing lost", not bad, margin=0.5 - len(bad), unit="kills",
    falsified_by="falsify_key_lost",
)

# %% [markdown]
# The key must outlive the kill. A pipeline that draws a new one at each start gives the same
# patient another name, and every rerun files a second study.
#
# ## Who can tell whose it was
#
# What was stored has no name in it: every attribute that may say who, when or where is removed or
# replaced, at all depths, before a network sees the study. We do not trust that; we search. Every
# name, number, date and UID of the originals is looked for in the bytes of every object that went
# out, and in the ledger. To see that the search can find, hand it the originals.

# %%
def bytes_of(dataset):
    """As a file."""
    path = home / "searched.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path.read_bytes()


# %% tags=["key"]
sent = archive.fetch(outcome.study) if outcome.objects else []
looked_at = [bytes_of(one) for one in (sent if searched == "results" else study)]
looked_at.append((home / "ledger").read_bytes())
words = [word.encode() for word in identities(erika, "A1")]
leaked = sum(len(leaks(study[0], one)) + sum(word in one for word in words) for one in looked_at)

# %%
run.result("leaks", leaked, unit="finds", n=len(looked_at))
run.say("{leaks:.0f} finds in {n} files and the ledger.", n=len(looked_at) - 1)
run.claim(
    "no name, number, date or UID of the original stands in the bytes of what went out",
    leaked == 0, margin=0.5 - leaked, unit="finds", control=True,
    falsified_by="falsify_search_originals",
)

# %%
desk.close()
run.finish()

# %% [markdown]
# ## What breaks it
#
# **The header lies.** A slice of another patient *with the right patient's number* is beyond every
# check on this page. Only pixels could tell, and here nobody asks them.
#
# **The gate knows one kind of stranger.** Another contrast is far away. A disease that the networks
# never met may look usual: {doc}`/diagnosis/out_of_distribution` measures how often.
#
# **A face is a name.** De-identification removes what is written. A head scan of finer resolution
# still shows a face.
#
# **Probability is of this mix.** Half of our studies have lesions. In a clinic with other shares
# the same number means something else ({doc}`/translation/three_shifts`).
#
# **A ledger proves order, not truth.** It shows that a line was not changed since. Whether the line
# was true when it was written, it cannot know.
#
# ## What to take along
#
# - Mend what has one right repair; refuse what must be guessed, with a reason that names nobody.
# - Names before digests, digests before promises: files first, the ledger's line last.
# - An object's identity follows from what it is about, not from chance or a clock. Then twice is
#   once.
# - Results go back as coded objects with units and references, and are fetched again and compared.
# - Believe a search only after you saw it find.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("whole-journey-kill")` gives a hint, and then another;
# `run.solution("whole-journey-kill")` shows how it is done.
#
# ```{exercise}
# :label: whole-journey-kill
# A colleague writes the ledger's line *before* the step's files, "so that we know what was begun".
# The rest stays as it is. A kill falls between the two. What does the rerun do?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("whole-journey-kill", answer)

# %% [markdown]
# ```{exercise}
# :label: whole-journey-volume
# A mask has 250 voxels. Rows and columns are 2 mm apart, slices 5 mm. One slice in two was lost on
# the way, and intake let it pass, taking the spacing from the places of the slices that came. The
# lesion is thicker than several slices. About which volume stands in the report, in ml, if the mask
# of the *whole* study had 250 voxels?
# ```

# %% tags=["self-check"]
answer = None  # ml
run.check("whole-journey-volume", answer)

# %% [markdown]
# ```{exercise}
# :label: whole-journey-turn
# Write `turned(stored, bits)`: an array of unsigned stored values of a MONOCHROME1 image, of which
# `bits` bits are used. Return the values of the same image as MONOCHROME2, in the same type.
# ```

# %% tags=["self-check"]
turned = None  # a function
run.check("whole-journey-turn", turned)

# %% [markdown]
# ## Further reading
#
# - S. Jodogne, the server: [doi:10.1007/s10278-018-0082-y](https://doi.org/10.1007/s10278-018-0082-y)
# - C. P. Bridge et al., the library that writes masks and reports:
#   [doi:10.1007/s10278-022-00683-y](https://doi.org/10.1007/s10278-022-00683-y)
# - H. Krawczyk, M. Bellare, R. Canetti, HMAC:
#   [doi:10.17487/RFC2104](https://doi.org/10.17487/RFC2104)
