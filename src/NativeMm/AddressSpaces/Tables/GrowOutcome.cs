namespace NativeMm.AddressSpaces;

/// <summary>What came of an attempt to make the tables of a page.</summary>
internal enum GrowOutcome
{
    /// <summary>There they are.</summary>
    Grown,

    /// <summary>There is no frame for one.</summary>
    NoFrame,

    /// <summary>A table on the way was taken out.</summary>
    TableChanged,

    /// <summary>The area has changed.</summary>
    RecordChanged,
}
