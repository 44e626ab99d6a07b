// Two examples for every verb's `--help`, as they would be typed. test/cli/help.test.ts parses each with the verb's own
// flags, so that none outlives a change.

/** What an example does, and the words behind `facehand`. */
export type Example = readonly [does: string, words: string];

const TAG = "mobilenetv2_100.ra_in1k_F1_Af_Lb_Z0";
const ABOUT =
  '--licence hagrid --release 1.0.0 --date 2026-11-24 --creator "A lab" --url https://example.org/pairs';

/** By verb. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  demo: [
    ["everything once, on invented people, in the folder demo", "demo"],
    ["a larger one elsewhere", "demo --out big --subjects 400 --epochs 20"],
  ],
  "data fetch": [
    ["the published pairs, unpacked", "data fetch derived-hagrid --out data/published"],
    ["one checkpoint", "data fetch checkpoints --best-umcc --out checkpoints"],
    ["HaGRID's annotations", "data fetch hagrid-annotations --out hagrid"],
    ["frames of three gestures", "data fetch hagrid --gestures palm,stop,stop_inverted --out hagrid"],
    [
      "the published pairs, from files that are on this machine already",
      "data fetch derived-hagrid --mirror ~/Downloads --out data/published",
    ],
    ["a bundle published by others", "data fetch https://example.org/pairs/1.0.0/ --out data/theirs"],
  ],
  "data show": [
    ["counts and the first five rows", "data show data/pairs"],
    ["more rows", "data show data/pairs --rows 20"],
  ],
  "data check": [
    ["everything that could make figures wrong", "data check data/pairs"],
    ["also test subjects that HaGRID's own lists train on", "data check data/pairs --against hagrid"],
  ],
  "data repair": [
    ["print what would be changed", "data repair data/pairs"],
    ["change it", "data repair data/pairs --apply"],
  ],
  "data export": [
    [
      "Parquet shards, as the Hugging Face hub takes them",
      "data export data/pairs --parquet --out data/parquet",
    ],
    ["tar shards of 512 MiB", "data export data/pairs --webdataset --shard-mb 512 --out data/shards"],
  ],
  "data import": [
    ["a dataset again from exported shards", "data import data/parquet --out data/back"],
    ["the same, with its summary as JSON", "data import data/parquet --out data/back --json"],
  ],
  "data sample": [
    ["60 invented people, 4 frames each", "data sample --out data/raw"],
    ["more people, from another seed", "data sample --subjects 400 --seed 7 --out data/raw"],
  ],
  derive: [
    ["pairs of three gestures", "derive --hagrid hagrid --gestures palm,stop,stop_inverted --out data/pairs"],
    [
      "stricter about blur, without the rule about darkness, crops of 512 px",
      "derive --hagrid hagrid --gestures all --rule blur=8 --no-rule dark --size 512 --out data/pairs",
    ],
    [
      "the drawn sample, whose faces are annotated",
      "derive --hagrid data/raw --gestures all --face-landmarks data/raw/face_landmarks.json --out data/pairs",
    ],
  ],
  "derive merge": [
    ["two shards", "derive merge shards/1 shards/2 --out data/pairs"],
    ["all shards of a folder (the shell fills in the names)", "derive merge shards/* --out data/pairs"],
  ],
  "derive report": [
    ["a page with images from both sides of every rule", "derive report data/pairs --out report.html"],
    ["with more images", "derive report data/pairs --examples 40 --out report.html"],
  ],
  "derive labels": [
    ["pairs that two folds contradict", "derive labels --predictions runs/fold_1 --predictions runs/fold_2"],
    [
      "only where both are certain, as a file to review",
      "derive labels --predictions runs/a --min 0.9 --out doubts.csv",
    ],
  ],
  "audit agreement": [
    ["agreement, and the estimated label error", "audit agreement annotations.jsonl"],
    ["for other programs", "audit agreement annotations.jsonl --json"],
  ],
  "audit resolve": [
    ["what people agree on, for derive --decisions", "audit resolve annotations.jsonl --out decisions.csv"],
    ["another log", "audit resolve second/annotations.jsonl --out second.csv"],
  ],
  train: [
    [
      "one model that takes the modality as an input, three seeds",
      `train --arch umcc --tag ${TAG} --data pairs:data/pairs --weights timm:mobilenetv2_100.ra_in1k --seeds 42,123,999 --out runs/umcc`,
    ],
    [
      "a gate over two heads, from random weights, on two kinds of data",
      "train --arch mag --tag resnet18.none_F0_Af_Lw_Z0_gating=soft --data pairs:data/pairs --data utkface:data/utk --epochs 40 --out runs/mag",
    ],
    [
      "an earlier run again, with another seed",
      "train --config runs/mag/config.json --seed 7 --out runs/mag_7",
    ],
  ],
  evaluate: [
    ["figures of the test images, by modality and recorded group", "evaluate runs/umcc/seed_42"],
    ["all seeds of a folder as one: mean and spread", "evaluate runs/umcc --groups race,age"],
    [
      "predictions of another program, with intervals by group",
      "evaluate theirs.csv --modality face --groups race,race+age --group-intervals",
    ],
    ["whether one model is better than another", "evaluate runs/mag --against runs/umcc/seed_42"],
    ["a page to read and to share", "evaluate runs/umcc/seed_42 --report report.html"],
    ["images of another dataset, with the run's model", "evaluate runs/umcc/seed_42 --data utkface:data/utk"],
  ],
  predict: [
    ["a crop of a hand", "predict runs/umcc/seed_42 hand.jpg --modality hand"],
    [
      "photos: detect and crop first, and also write a table",
      "predict runs/mag photos --detect --csv answers.csv",
    ],
  ],
  serve: [
    ["everything below this folder, in the browser", "serve --open"],
    ["a dataset and its runs", "serve data/pairs runs --port 8080"],
  ],
  "study plan": [
    ["cells, time and memory of a shipped protocol", "study plan ablation --data pairs:data/pairs"],
    ["your own file, with what exists already", "study plan study.yaml --out studies/mine --no-measure"],
  ],
  "study run": [
    [
      "a shipped protocol",
      "study run seeds --data pairs:data/pairs --backbone resnet18.none --out studies/seeds",
    ],
    ["continue with what is missing, two tasks at a time", "study run --out studies/seeds --max-parallel 2"],
    ["on a cluster", "study run study.yaml --out studies/mine --executor slurm --sbatch=--partition=long"],
  ],
  "study status": [
    ["how far it has come", "study status studies/seeds"],
    ["for other programs", "study status studies/seeds --json"],
  ],
  "study best": [
    ["the five best, by validation", "study best studies/ablation"],
    ["the best of MAG by hands alone", "study best studies/ablation -k 1 --arch mag --modality hand"],
  ],
  "study report": [
    ["tables and figures", "study report studies/ablation --out reports/ablation"],
    [
      "whether a report still is what the predictions give",
      "study report studies/ablation --out reports/ablation --check",
    ],
  ],
  "study audit": [
    [
      "whether these figures are consistent",
      "study audit --values 0.9100,0.9085,0.9137 --mean 0.9107 --std 0.0027 --n 2000",
    ],
    ["a table of published figures", "study audit published.csv"],
  ],
  "model list": [
    ["all networks", "model list"],
    ["one network, with all of its published weights", "model list resnet50"],
  ],
  "model fetch": [
    ["into the cache", "model fetch tf_efficientnetv2_s.in1k"],
    ["into a folder", "model fetch mobilenetv2_100.ra_in1k --out weights/mobilenetv2"],
  ],
  "model show": [
    ["a run's best checkpoint", "model show runs/umcc/seed_42"],
    ["every tensor of a file", "model show weights.pt --all"],
  ],
  "model convert": [
    [
      "a PyTorch state dict into a checkpoint",
      `model convert best.pt --arch umcc --tag ${TAG} --pixels imagenet --out best.safetensors`,
    ],
    ["a run's best checkpoint for PyTorch", "model convert runs/umcc/seed_42 --out best.pt"],
  ],
  "model export": [
    ["for any ONNX runtime", "model export runs/umcc/seed_42 --onnx umcc.onnx"],
    [
      "half the size, and how predictions differ",
      "model export runs/umcc/seed_42 --onnx umcc.onnx --fp16 --data pairs:data/pairs --split test",
    ],
  ],
  "model card": [
    ["print it", "model card runs/umcc/seed_42"],
    ["over all seeds, as a file", "model card runs/umcc --out card.md"],
  ],
  "model push": [
    ["what would be sent", "model push hf:USER/NAME runs/mag/seed_42 --licence cc-by-sa-4.0 --dry-run"],
    ["all seeds, as one repository", "model push hf:USER/NAME runs/mag --licence cc-by-sa-4.0"],
  ],
  "release bundle": [
    ["a dataset ready to be published", `release bundle data/pairs ${ABOUT} --out data/release`],
    ["with hashed ids", `release bundle data/pairs ${ABOUT} --hash-subjects --out data/release`],
  ],
  "release push": [
    ["what would be sent", "release push hf:datasets/USER/NAME data/release --dry-run"],
    ["to a repository of a lab's own", "release push hf:datasets/USER/NAME data/release --private"],
  ],
  "release questions": [
    ["what the datasheet leaves open", "release questions data/pairs"],
    ["as a file to fill in for --answers", "release questions data/pairs --out answers.yaml"],
  ],
  "release page": [
    ["the page without images", `release page data/pairs ${ABOUT} --out data/page`],
    ["with the crops", `release page data/pairs ${ABOUT} --with-pictures --out data/page`],
  ],
  "release space": [
    [
      "a page that predicts, for any web host",
      'release space runs/mag/seed_42 --title "Hands and faces" --licence cc-by-sa-4.0 --out data/space',
    ],
    [
      "its size and number of files for a program",
      'release space runs/mag/seed_42 --title "Hands and faces" --licence cc-by-sa-4.0 --out data/space --json',
    ],
  ],
  "release retract": [
    [
      "a version without one person, and the list of what saw them",
      'release retract data/pairs --subject 3b1f9c0e --reason "their wish" --runs runs --out data/pairs-2',
    ],
    [
      "by the id that a bundle with hashed ids published",
      "release retract data/pairs --subject 8f4e2a77 --key data/release.key --out data/pairs-2",
    ],
  ],
  "release card": [
    ["print it", `release card data/pairs ${ABOUT}`],
    ["as a file", `release card data/pairs ${ABOUT} --out README.md`],
  ],
  "release croissant": [
    ["print it", `release croissant data/pairs ${ABOUT}`],
    ["as a file", `release croissant data/pairs ${ABOUT} --out croissant.json`],
  ],
  "kernels build": [
    ["operators for train --kernels native", "kernels build"],
    ["where they lie, for a program", "kernels build --json"],
  ],
  doctor: [
    ["what is here and what is missing", "doctor"],
    ["free disk space used by libraries for other systems", "doctor --prune"],
  ],
};
