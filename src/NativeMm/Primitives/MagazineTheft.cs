namespace NativeMm.Primitives;

/// <summary>What a thief saw of a <see cref="Magazine"/> before the fence.</summary>
/// <param name="Floor">The floor before it was raised.</param>
/// <param name="Top">The floor that the owner sees until the theft ends.</param>
internal readonly record struct MagazineTheft(nuint Floor, nuint Top);
