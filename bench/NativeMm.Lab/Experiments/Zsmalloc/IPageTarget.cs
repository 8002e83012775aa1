namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Where pages go: a store, or nothing but its codec. Implementations are structs, so that calls are direct.</summary>
internal interface IPageTarget
{
    /// <summary>Bytes of the pages by the bytes that they have become when compressed; asked after every page was stored.</summary>
    double Ratio { get; }

    /// <summary>Stores a page of a thread.</summary>
    void Store(int thread, int page);

    /// <summary>Restores a page of a thread, which has been stored before.</summary>
    void Load(int thread, int page);
}
