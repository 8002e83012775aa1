using NativeMm.Platform;

namespace NativeMm.Tests.Support;

/// <summary>A folder that stands for the root of a system, with captured files.</summary>
internal sealed class CapturedFiles : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("nativemm-files-").FullName;

    /// <summary>The files as the platform reads them.</summary>
    public SystemFiles Files => new(_root);

    /// <summary>Puts a file there.</summary>
    public CapturedFiles With(string path, string text)
    {
        string full = _root + path;
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return this;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
