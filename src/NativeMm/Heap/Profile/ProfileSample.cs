namespace NativeMm.Heap.Profile;

/// <summary>A live block that stands for others.</summary>
/// <param name="Site">Where it was allocated.</param>
/// <param name="Objects">Allocations that it stands for.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="HeapTag">The heap that it belongs to.</param>
internal readonly record struct ProfileSample(ProfileSite Site, double Objects, double Bytes, uint HeapTag);
