# Reads a formula as Homebrew does, on a system and a processor that are named, and prints what it says:
#   ruby formula.rb FORMULA SYSTEM PROCESSOR
require "json"

class Formula
  TOLD = Hash.new { |told, name| told[name] = [] }

  class << self
    %i[desc homepage version license url sha256].each do |name|
      define_method(name) { |value| TOLD[name] << value }
    end
    %i[macos linux].each do |system|
      define_method(:"on_#{system}") { |&block| block.call if ARGV[1] == system.to_s }
    end
    %i[arm intel].each do |processor|
      define_method(:"on_#{processor}") { |&block| block.call if ARGV[2] == processor.to_s }
    end

    def test; end
  end

  # Where something is installed to.
  class Place
    def install(files)
      files = files.keys if files.is_a?(Hash)
      TOLD[:installed].concat([*files])
    end
  end

  %i[bin man1 man7 bash_completion zsh_completion fish_completion].each do |name|
    define_method(name) { Place.new }
  end
end

# There are no files here for a pattern to match.
class Dir
  def self.[](pattern) = [pattern]
end

load ARGV[0]
MfaCreds.new.install
puts JSON.generate(Formula::TOLD)
