import { standardRows } from "./standard-dictionary.ts";

/**
 * The elements that Ichor reads or writes by name: keyword → tag and value representation (PS3.6). `xs` stands for
 * "US or SS", which PixelRepresentation decides (PS3.5 A.1). Elements that are not here are read all the same, by tag.
 */
export const dictionary = {
  FileMetaInformationGroupLength: [0x00020000, "UL"],
  FileMetaInformationVersion: [0x00020001, "OB"],
  MediaStorageSOPClassUID: [0x00020002, "UI"],
  MediaStorageSOPInstanceUID: [0x00020003, "UI"],
  TransferSyntaxUID: [0x00020010, "UI"],
  ImplementationClassUID: [0x00020012, "UI"],
  ImplementationVersionName: [0x00020013, "SH"],
  SourceApplicationEntityTitle: [0x00020016, "AE"],
  FileSetID: [0x00041130, "CS"],
  FileSetDescriptorFileID: [0x00041141, "CS"],
  OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity: [0x00041200, "UL"],
  OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity: [0x00041202, "UL"],
  FileSetConsistencyFlag: [0x00041212, "US"],
  DirectoryRecordSequence: [0x00041220, "SQ"],
  OffsetOfTheNextDirectoryRecord: [0x00041400, "UL"],
  RecordInUseFlag: [0x00041410, "US"],
  OffsetOfReferencedLowerLevelDirectoryEntity: [0x00041420, "UL"],
  DirectoryRecordType: [0x00041430, "CS"],
  ReferencedFileID: [0x00041500, "CS"],
  ReferencedSOPClassUIDInFile: [0x00041510, "UI"],
  ReferencedSOPInstanceUIDInFile: [0x00041511, "UI"],
  ReferencedTransferSyntaxUIDInFile: [0x00041512, "UI"],
  SpecificCharacterSet: [0x00080005, "CS"],
  ImageType: [0x00080008, "CS"],
  InstanceCreationDate: [0x00080012, "DA"],
  InstanceCreationTime: [0x00080013, "TM"],
  SOPClassUID: [0x00080016, "UI"],
  SOPInstanceUID: [0x00080018, "UI"],
  StudyDate: [0x00080020, "DA"],
  SeriesDate: [0x00080021, "DA"],
  AcquisitionDate: [0x00080022, "DA"],
  ContentDate: [0x00080023, "DA"],
  AcquisitionDateTime: [0x0008002a, "DT"],
  StudyTime: [0x00080030, "TM"],
  SeriesTime: [0x00080031, "TM"],
  AcquisitionTime: [0x00080032, "TM"],
  ContentTime: [0x00080033, "TM"],
  AccessionNumber: [0x00080050, "SH"],
  Modality: [0x00080060, "CS"],
  ConversionType: [0x00080064, "CS"],
  Manufacturer: [0x00080070, "LO"],
  InstitutionName: [0x00080080, "LO"],
  InstitutionAddress: [0x00080081, "ST"],
  ReferringPhysicianName: [0x00080090, "PN"],
  CodeValue: [0x00080100, "SH"],
  CodingSchemeDesignator: [0x00080102, "SH"],
  CodingSchemeVersion: [0x00080103, "SH"],
  CodeMeaning: [0x00080104, "LO"],
  TimezoneOffsetFromUTC: [0x00080201, "SH"],
  StationName: [0x00081010, "SH"],
  StudyDescription: [0x00081030, "LO"],
  SeriesDescription: [0x0008103e, "LO"],
  InstitutionalDepartmentName: [0x00081040, "LO"],
  PerformingPhysicianName: [0x00081050, "PN"],
  NameOfPhysiciansReadingStudy: [0x00081060, "PN"],
  OperatorsName: [0x00081070, "PN"],
  ManufacturerModelName: [0x00081090, "LO"],
  ReferencedStudySequence: [0x00081110, "SQ"],
  ReferencedPerformedProcedureStepSequence: [0x00081111, "SQ"],
  ReferencedSeriesSequence: [0x00081115, "SQ"],
  ReferencedImageSequence: [0x00081140, "SQ"],
  ReferencedSOPClassUID: [0x00081150, "UI"],
  ReferencedSOPInstanceUID: [0x00081155, "UI"],
  ReferencedFrameNumber: [0x00081160, "IS"],
  DerivationDescription: [0x00082111, "ST"],
  SourceImageSequence: [0x00082112, "SQ"],
  AnatomicRegionSequence: [0x00082218, "SQ"],
  FrameType: [0x00089007, "CS"],
  PixelPresentation: [0x00089205, "CS"],
  VolumetricProperties: [0x00089206, "CS"],
  VolumeBasedCalculationTechnique: [0x00089207, "CS"],
  PatientName: [0x00100010, "PN"],
  PatientID: [0x00100020, "LO"],
  PatientBirthDate: [0x00100030, "DA"],
  PatientBirthTime: [0x00100032, "TM"],
  PatientSex: [0x00100040, "CS"],
  OtherPatientIDs: [0x00101000, "LO"],
  PatientAge: [0x00101010, "AS"],
  PatientSize: [0x00101020, "DS"],
  PatientWeight: [0x00101030, "DS"],
  PatientComments: [0x00104000, "LT"],
  PatientIdentityRemoved: [0x00120062, "CS"],
  DeidentificationMethod: [0x00120063, "LO"],
  DeidentificationMethodCodeSequence: [0x00120064, "SQ"],
  ContrastBolusAgent: [0x00180010, "LO"],
  ContrastBolusAgentSequence: [0x00180012, "SQ"],
  BodyPartExamined: [0x00180015, "CS"],
  ScanOptions: [0x00180022, "CS"],
  SequenceName: [0x00180024, "SH"],
  SliceThickness: [0x00180050, "DS"],
  KVP: [0x00180060, "DS"],
  SpacingBetweenSlices: [0x00180088, "DS"],
  DataCollectionDiameter: [0x00180090, "DS"],
  DeviceSerialNumber: [0x00181000, "LO"],
  SoftwareVersions: [0x00181020, "LO"],
  ProtocolName: [0x00181030, "LO"],
  ContrastBolusRoute: [0x00181040, "LO"],
  ContrastBolusVolume: [0x00181041, "DS"],
  ReconstructionDiameter: [0x00181100, "DS"],
  GantryDetectorTilt: [0x00181120, "DS"],
  TableHeight: [0x00181130, "DS"],
  RotationDirection: [0x00181140, "CS"],
  ExposureTime: [0x00181150, "IS"],
  XRayTubeCurrent: [0x00181151, "IS"],
  FilterType: [0x00181160, "SH"],
  FocalSpots: [0x00181190, "DS"],
  ConvolutionKernel: [0x00181210, "SH"],
  PatientPosition: [0x00185100, "CS"],
  FrameAcquisitionDateTime: [0x00189074, "DT"],
  FrameReferenceDateTime: [0x00189151, "DT"],
  CTAcquisitionTypeSequence: [0x00189301, "SQ"],
  AcquisitionType: [0x00189302, "CS"],
  SingleCollimationWidth: [0x00189306, "FD"],
  TotalCollimationWidth: [0x00189307, "FD"],
  TableSpeed: [0x00189309, "FD"],
  SpiralPitchFactor: [0x00189311, "FD"],
  CTGeometrySequence: [0x00189312, "SQ"],
  CTReconstructionSequence: [0x00189314, "SQ"],
  ReconstructionAlgorithm: [0x00189315, "CS"],
  ReconstructionFieldOfView: [0x00189317, "FD"],
  ReconstructionTargetCenterPatient: [0x00189318, "FD"],
  CTExposureSequence: [0x00189321, "SQ"],
  ExposureModulationType: [0x00189323, "CS"],
  CTPositionSequence: [0x00189326, "SQ"],
  CTImageFrameTypeSequence: [0x00189329, "SQ"],
  ExposureInmAs: [0x00189332, "FD"],
  ContrastBolusUsageSequence: [0x00189341, "SQ"],
  ContrastBolusAgentAdministered: [0x00189342, "CS"],
  CTDIvol: [0x00189345, "FD"],
  FrameDisplayShutterSequence: [0x00189472, "SQ"],
  StudyInstanceUID: [0x0020000d, "UI"],
  SeriesInstanceUID: [0x0020000e, "UI"],
  StudyID: [0x00200010, "SH"],
  SeriesNumber: [0x00200011, "IS"],
  AcquisitionNumber: [0x00200012, "IS"],
  InstanceNumber: [0x00200013, "IS"],
  PatientOrientation: [0x00200020, "CS"],
  ImagePositionPatient: [0x00200032, "DS"],
  ImageOrientationPatient: [0x00200037, "DS"],
  FrameOfReferenceUID: [0x00200052, "UI"],
  Laterality: [0x00200060, "CS"],
  ImageLaterality: [0x00200062, "CS"],
  TemporalPositionIdentifier: [0x00200100, "IS"],
  NumberOfTemporalPositions: [0x00200105, "IS"],
  ImagesInAcquisition: [0x00201002, "IS"],
  PositionReferenceIndicator: [0x00201040, "LO"],
  SliceLocation: [0x00201041, "DS"],
  ImageComments: [0x00204000, "LT"],
  StackID: [0x00209056, "SH"],
  InStackPositionNumber: [0x00209057, "UL"],
  FrameAnatomySequence: [0x00209071, "SQ"],
  FrameContentSequence: [0x00209111, "SQ"],
  PlanePositionSequence: [0x00209113, "SQ"],
  PlaneOrientationSequence: [0x00209116, "SQ"],
  TemporalPositionIndex: [0x00209128, "UL"],
  FrameAcquisitionNumber: [0x00209156, "US"],
  DimensionIndexValues: [0x00209157, "UL"],
  FrameComments: [0x00209158, "LT"],
  UnassignedSharedConvertedAttributesSequence: [0x00209170, "SQ"],
  UnassignedPerFrameConvertedAttributesSequence: [0x00209171, "SQ"],
  DimensionOrganizationSequence: [0x00209221, "SQ"],
  DimensionIndexSequence: [0x00209222, "SQ"],
  PlanePositionVolumeSequence: [0x0020930e, "SQ"],
  PlaneOrientationVolumeSequence: [0x0020930f, "SQ"],
  SamplesPerPixel: [0x00280002, "US"],
  PhotometricInterpretation: [0x00280004, "CS"],
  PlanarConfiguration: [0x00280006, "US"],
  NumberOfFrames: [0x00280008, "IS"],
  Rows: [0x00280010, "US"],
  Columns: [0x00280011, "US"],
  PixelSpacing: [0x00280030, "DS"],
  PixelAspectRatio: [0x00280034, "IS"],
  BitsAllocated: [0x00280100, "US"],
  BitsStored: [0x00280101, "US"],
  HighBit: [0x00280102, "US"],
  PixelRepresentation: [0x00280103, "US"],
  SmallestImagePixelValue: [0x00280106, "xs"],
  LargestImagePixelValue: [0x00280107, "xs"],
  SmallestPixelValueInSeries: [0x00280108, "xs"],
  PixelPaddingValue: [0x00280120, "xs"],
  PixelPaddingRangeLimit: [0x00280121, "xs"],
  BurnedInAnnotation: [0x00280301, "CS"],
  RecognizableVisualFeatures: [0x00280302, "CS"],
  LongitudinalTemporalInformationModified: [0x00280303, "CS"],
  WindowCenter: [0x00281050, "DS"],
  WindowWidth: [0x00281051, "DS"],
  RescaleIntercept: [0x00281052, "DS"],
  RescaleSlope: [0x00281053, "DS"],
  RescaleType: [0x00281054, "LO"],
  VOILUTFunction: [0x00281056, "CS"],
  RedPaletteColorLookupTableDescriptor: [0x00281101, "xs"],
  LossyImageCompression: [0x00282110, "CS"],
  LossyImageCompressionRatio: [0x00282112, "DS"],
  LossyImageCompressionMethod: [0x00282114, "CS"],
  ModalityLUTSequence: [0x00283000, "SQ"],
  LUTDescriptor: [0x00283002, "xs"],
  LUTExplanation: [0x00283003, "LO"],
  ModalityLUTType: [0x00283004, "LO"],
  LUTData: [0x00283006, "OW"],
  VOILUTSequence: [0x00283010, "SQ"],
  PixelMeasuresSequence: [0x00289110, "SQ"],
  FrameVOILUTSequence: [0x00289132, "SQ"],
  PixelValueTransformationSequence: [0x00289145, "SQ"],
  PerformedProcedureStepStartDate: [0x00400244, "DA"],
  PerformedProcedureStepStartTime: [0x00400245, "TM"],
  RequestAttributesSequence: [0x00400275, "SQ"],
  RealWorldValueMappingSequence: [0x00409096, "SQ"],
  PurposeOfReferenceCodeSequence: [0x0040a170, "SQ"],
  ContentSequence: [0x0040a730, "SQ"],
  EncapsulatedDocument: [0x00420011, "OB"],
  FrameReferenceTime: [0x00541300, "DS"],
  IconImageSequence: [0x00880200, "SQ"],
  EncryptedAttributesSequence: [0x04000500, "SQ"],
  SharedFunctionalGroupsSequence: [0x52009229, "SQ"],
  PerFrameFunctionalGroupsSequence: [0x52009230, "SQ"],
  OverlayRows: [0x60000010, "US"],
  OverlayColumns: [0x60000011, "US"],
  NumberOfFramesInOverlay: [0x60000015, "IS"],
  OverlayDescription: [0x60000022, "LO"],
  OverlayType: [0x60000040, "CS"],
  OverlayOrigin: [0x60000050, "SS"],
  ImageFrameOrigin: [0x60000051, "US"],
  OverlayBitsAllocated: [0x60000100, "US"],
  OverlayBitPosition: [0x60000102, "US"],
  OverlayData: [0x60003000, "OW"],
  ExtendedOffsetTable: [0x7fe00001, "OV"],
  ExtendedOffsetTableLengths: [0x7fe00002, "OV"],
  FloatPixelData: [0x7fe00008, "OF"],
  DoubleFloatPixelData: [0x7fe00009, "OD"],
  PixelData: [0x7fe00010, "OW"],
  DigitalSignaturesSequence: [0xfffafffa, "SQ"],
  DataSetTrailingPadding: [0xfffcfffc, "OB"],
} as const satisfies Readonly<Record<string, readonly [tag: number, vr: string]>>;

/** The name of an element in PS3.6, e.g. `RescaleSlope`. */
export type Keyword = keyof typeof dictionary;

const vrOfTag: ReadonlyMap<number, string> = new Map(Object.values(dictionary));

/** A row of the whole standard. */
export interface StandardElement {
  /** As in `dictionary`. */
  readonly vr: string;
  /** Empty for a few that were retired. */
  readonly keyword: string;
}

interface Standard {
  readonly byTag: ReadonlyMap<number, StandardElement>;
  /** Rows with free digits, as of curves 50xx and overlays 60xx. */
  readonly repeating: readonly { readonly mask: number; readonly tag: number; readonly element: StandardElement }[];
}

let standard: Standard | undefined;

/** What PS3.6 says of a tag; `undefined` for private tags and those it does not know. The table is unpacked at the first call. */
export function standardElement(tag: number): StandardElement | undefined {
  standard ??= unpackStandard();
  const { byTag, repeating } = standard;
  return byTag.get(tag) ?? repeating.find((row) => (tag & row.mask) >>> 0 === row.tag)?.element;
}

function unpackStandard(): Standard {
  const byTag = new Map<number, StandardElement>();
  const repeating: { mask: number; tag: number; element: StandardElement }[] = [];
  for (const row of standardRows.trim().split(/\s+/)) {
    const [digits, vr, keyword] = [row.slice(0, 8), row.slice(8, 10), row.slice(10)];
    if (!digits.includes("x")) byTag.set(Number.parseInt(digits, 16), { vr, keyword });
    else {
      const mask = Number.parseInt(digits.replace(/[^x]/g, "f").replaceAll("x", "0"), 16);
      repeating.push({ mask, tag: Number.parseInt(digits.replaceAll("x", "0"), 16), element: { vr, keyword } });
    }
  }
  return { byTag, repeating };
}

/**
 * Value representation of a tag, for implicit VR and for "US or SS": of the dictionary or the standard; `UL` for a
 * group's length, `LO` for the name of a private block, `UN` elsewhere.
 */
export function listedVr(tag: number): string {
  const known = vrOfTag.get(tag);
  if (known !== undefined) return known;
  const [group, element] = [tag >>> 16, tag & 0xffff];
  if (element === 0) return "UL";
  if (group % 2 === 1) return element >= 0x10 && element <= 0xff ? "LO" : "UN";
  return standardElement(tag)?.vr ?? "UN";
}

/** The element (7FE0,0010), after which no header goes on. */
export const pixelDataTag = 0x7fe00010;

/** A tag as it is written in the standard: 0x00281053 → "(0028,1053)". */
export function formatTag(tag: number): string {
  const digits = tag.toString(16).toUpperCase().padStart(8, "0");
  return `(${digits.slice(0, 4)},${digits.slice(4)})`;
}
