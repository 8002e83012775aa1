using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Something that stores numbered contents. Not timed, so the calls may be virtual.</summary>
internal interface IDensitySubject : IDisposable
{
    /// <summary>Stores a content under a number that is free.</summary>
    void Put(int number, ReadOnlySpan<byte> content);

    /// <summary>Removes the content of a number.</summary>
    void Remove(int number);

    /// <summary>Gives back what is not needed: compacts, or trims.</summary>
    void GiveBack();

    /// <summary>Bytes that it holds and nobody else could use, or null when only the system can tell, by what has become resident.</summary>
    long? HeldBytes { get; }

    /// <summary>Adds what only this subject knows, at the end of the main stage.</summary>
    /// <param name="measurement">Where it goes.</param>
    /// <param name="storedBytes">Bytes of the stored contents.</param>
    void Describe(Measurement measurement, double storedBytes);
}
