namespace NativeMm.Teardown;

/// <summary>What a step did.</summary>
/// <param name="Frames">Frames that it let go of: the measure of speed.</param>
/// <param name="Bytes">Bytes of what was announced that are done.</param>
internal readonly record struct StepDone(long Frames, long Bytes);
