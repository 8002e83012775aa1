using System.Buffers;

namespace NativeMm.Lab.Recording;

/// <summary>
/// A library by a path that <c>LD_PRELOAD</c> can say. That variable is a list with spaces and colons between its paths and knows no way to write either in
/// one: a library in a folder with such a name gets a link in the temporary folder, which goes when this is disposed of.
/// </summary>
internal sealed class PreloadedLibrary : IDisposable
{
    private static readonly SearchValues<char> s_separators = SearchValues.Create(" :");

    private readonly string? _folder;

    /// <summary>Finds a path.</summary>
    /// <param name="library">The library, by its full path.</param>
    /// <exception cref="LabUsageException">The temporary folder has a space or a colon in its name as well.</exception>
    public PreloadedLibrary(string library)
    {
        Path = library;
        if (!IsSeparated(library))
        {
            return;
        }

        string temporary = System.IO.Path.GetTempPath();
        if (IsSeparated(temporary))
        {
            throw new LabUsageException($"Programs cannot be recorded here: LD_PRELOAD takes no path with a space or a colon, and both {library} and {temporary} have one.");
        }

        _folder = Directory.CreateTempSubdirectory("nativemm-record-").FullName;
        Path = System.IO.Path.Combine(_folder, System.IO.Path.GetFileName(library));
        File.CreateSymbolicLink(Path, library);
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>Takes the link away; the library stays.</summary>
    public void Dispose()
    {
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static bool IsSeparated(string path) => path.AsSpan().ContainsAny(s_separators);
}
