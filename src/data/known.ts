/** The sets that a first course uses: their names and classes, and what is known about them. */
import type { Dataset, Provenance } from './dataset.ts';
import { baseName } from './files.ts';

export interface KnownSet {
  title: string;
  classes: readonly string[];
  provenance: Provenance;
}

/** What is wrong with a set, or easily done wrong with it; `Provenance.problems` names them. */
export const KNOWN_PROBLEMS = {
  'cifar10-near-duplicates':
    '3.3 % of the test images have a near duplicate in the training set (Barz & Denzler 2020)',
  'cifar100-near-duplicates':
    '10 % of the test images have a near duplicate in the training set (Barz & Denzler 2020)',
  'cifar10-label-errors': 'about 0.5 % of the test labels are wrong (Northcutt et al. 2021)',
  'cifar100-label-errors': 'about 6 % of the test labels are wrong (Northcutt et al. 2021)',
  'mnist-label-errors': 'about 0.15 % of the test labels are wrong (Northcutt et al. 2021)',
  'mirrored-digits': 'mirrored digits are no digits: horizontal flips do harm',
  'svhn-distractors': 'parts of neighbouring digits stand at the sides of many images',
} as const;

type Problem = keyof typeof KNOWN_PROBLEMS;

const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

const CIFAR100_COARSE =
  'aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2';

const CIFAR100_FINE =
  'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm';

const CIFAR = {
  source: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  licence: 'none stated; the authors ask for their report to be cited',
  citation: 'A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
};

const cifar100 = (labels: string, classes: string): KnownSet => ({
  title: `CIFAR-100 (${labels} labels)`,
  classes: classes.split(' '),
  provenance: { ...CIFAR, problems: known('cifar100-near-duplicates', 'cifar100-label-errors') },
});

/** By `Dataset.id`. */
export const KNOWN_SETS = {
  cifar10: {
    title: 'CIFAR-10',
    classes: [
      'airplane',
      'automobile',
      'bird',
      'cat',
      'deer',
      'dog',
      'frog',
      'horse',
      'ship',
      'truck',
    ],
    provenance: { ...CIFAR, problems: known('cifar10-near-duplicates', 'cifar10-label-errors') },
  },
  cifar100: cifar100('fine', CIFAR100_FINE),
  'cifar100-coarse': cifar100('coarse', CIFAR100_COARSE),
  mnist: {
    title: 'MNIST',
    classes: DIGITS,
    provenance: {
      source: 'http://yann.lecun.com/exdb/mnist/',
      licence: 'none stated by the authors; MIT according to the public hub',
      citation:
        'Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11), 1998',
      problems: known('mirrored-digits', 'mnist-label-errors'),
    },
  },
  'fashion-mnist': {
    title: 'Fashion-MNIST',
    classes: [
      'T-shirt/top',
      'Trouser',
      'Pullover',
      'Dress',
      'Coat',
      'Sandal',
      'Shirt',
      'Sneaker',
      'Bag',
      'Ankle boot',
    ],
    provenance: {
      source: 'https://github.com/zalandoresearch/fashion-mnist',
      licence: 'MIT, © 2017 Zalando SE',
      citation:
        'H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, arXiv:1708.07747, 2017',
    },
  },
  svhn: {
    title: 'SVHN (cropped digits)',
    classes: DIGITS,
    provenance: {
      source: 'http://ufldl.stanford.edu/housenumbers/',
      licence: 'for non-commercial use only',
      citation:
        'Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, Reading Digits in Natural Images with Unsupervised Feature Learning, NIPS Workshop 2011',
      problems: known('mirrored-digits', 'svhn-distractors'),
    },
  },
} satisfies Record<string, KnownSet>;

export type KnownId = keyof typeof KNOWN_SETS;

export const isKnown = (id: string): id is KnownId => Object.hasOwn(KNOWN_SETS, id);

/** What a data set says of itself. */
export type Identity = Pick<Dataset, 'id' | 'title' | 'classes'> & { provenance: Provenance };

/** What a data set takes over from a known one; of an unknown one, what its file says. */
export function identify(
  known: KnownId | undefined,
  { format, file, classes }: { format: string; file: string; classes: string[] },
): Identity {
  if (known) return identityOf(known);
  const title = baseName(file).replace(/\.zip$/i, '');
  return { id: `${format}:${title}`, title, classes, provenance: { source: file } };
}

export function identityOf(id: KnownId): Identity {
  const { title, classes, provenance }: KnownSet = KNOWN_SETS[id];
  return { id, title, classes: [...classes], provenance };
}

/** Holds the names to those of the table. */
function known(...problems: Problem[]): string[] {
  return problems;
}
